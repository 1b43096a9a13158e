/**
 * For its effect, before etcd's client is imported: the library under it would print on stderr, past the log, what a server sends wrong, with
 * the bytes that it could not read. Errors of calls come as errors.
 */
process.env.GRPC_VERBOSITY ??= 'NONE';
