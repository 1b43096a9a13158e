/** Texts of the editors. */
export const editorStrings = {
  editor: {},
};
