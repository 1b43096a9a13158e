/** File names and their texts, as a Secret has them. */
export type Files = Readonly<Record<string, string>>;

/** Where certificates are kept: Secrets of Kubernetes, or a folder. */
export interface CertificateStore {
  /** For people: `Secret idra/idra-etcd-ca`. */
  place(name: string): string;
  read(name: string): Promise<Files | undefined>;
  /** All files of this name, at once: what is not among them is gone. Fails where they have changed since they were read. */
  write(name: string, files: Files): Promise<void>;
}
