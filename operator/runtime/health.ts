export * from '../../process/health-server.ts';
