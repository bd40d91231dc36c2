import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Certificate {
  /** PEM, and the files that hold it. */
  readonly certificate: string;
  readonly key: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** A self-signed certificate for these DNS names and for 127.0.0.1, with its key, in `directory`. */
export async function makeCertificate(directory: string, names: readonly string[]): Promise<Certificate> {
  const certificateFile = join(directory, "certificate.pem");
  const keyFile = join(directory, "key.pem");
  const alternatives = [...names.map((name) => `DNS:${name}`), "IP:127.0.0.1"].join(",");
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${names[0] ?? "test"}`],
    ...["-addext", `subjectAltName=${alternatives}`, "-keyout", keyFile, "-out", certificateFile],
  ]);
  return {
    certificateFile,
    keyFile,
    certificate: await readFile(certificateFile, "utf8"),
    key: await readFile(keyFile, "utf8"),
  };
}
