export * from '../../process/slots.ts';
