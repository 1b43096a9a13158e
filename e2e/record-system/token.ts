/** Positions of the log. `after`: the last document of the snapshot that goes before the changes behind `position`. */
export interface StreamToken {
  readonly position: number;
  readonly after?: number;
}

export function decodeToken(text: string): StreamToken {
  return JSON.parse(text) as StreamToken;
}

export function isAhead(before: string, after: string): boolean {
  const [one, other] = [decodeToken(before), decodeToken(after)];
  if (other.after !== undefined)
    return one.after !== undefined && one.position === other.position && other.after > one.after;
  return one.after === undefined ? other.position > one.position : other.position >= one.position;
}
