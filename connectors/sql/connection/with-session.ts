/** Runs `body` on a session that is opened for it and closed afterwards. */
export async function withSession<S extends { close(): Promise<void> }, T>(
  opening: Promise<S>,
  body: (session: S) => Promise<T>,
): Promise<T> {
  const session = await opening;
  try {
    return await body(session);
  } finally {
    await session.close();
  }
}
