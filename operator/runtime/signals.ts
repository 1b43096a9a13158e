export * from '../../process/signals.ts';
