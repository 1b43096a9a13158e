function contentOf(name: string): string {
  return document.querySelector(`meta[name="${name}"]`)?.getAttribute('content') ?? '';
}

/** Before all paths: `/idra`, or empty. */
export const basePath: string = contentOf('idra-base');

/** Of this page, for styles that libraries insert. Browsers hide the attribute, not the property. */
export const nonce: string = document.querySelector<HTMLScriptElement>('script[nonce]')?.nonce ?? '';
