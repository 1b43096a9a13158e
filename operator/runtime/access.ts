export * from '../../process/kubernetes-access.ts';
