/**
 * Import this for its side effect before etcd's client: the gRPC library would print invalid responses of a server to stderr, bypassing
 * the log, including the bytes that it could not parse. Errors of calls are still reported as errors.
 */
process.env.GRPC_VERBOSITY ??= 'NONE';
