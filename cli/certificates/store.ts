/** File names and their texts, as a Secret has them. */
export type Files = Readonly<Record<string, string>>;

/** Where certificates are stored: Secrets of Kubernetes, or a folder. */
export interface CertificateStore {
  /** For messages: `Secret idra/idra-etcd-ca`. */
  location(name: string): string;
  read(name: string): Promise<Files | undefined>;
  /** Replaces all files of this name at once; files that are not given are deleted. Fails if they have changed since they were read. */
  write(name: string, files: Files): Promise<void>;
}
