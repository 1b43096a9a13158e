/** Of this build; a test holds it against package.json, so that nothing has to be read from disk. */
export const version = '0.1.0';
