import { inspect } from "node:util";
import type { Credential } from "./types.ts";

const MASK = "***";

/** Text that must not be printed. Every way of printing it by accident gives `***`. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

/** A secret as it is, URL-encoded, and inside JSON. */
export function writtenForms(text: string): string[] {
  return [...new Set([text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1)])];
}

/** Every text by which a credential may be known: its secrets, and the pair as a `Basic` header and as docker's `auth`. */
export function credentialForms({ username, password, identityToken }: Credential): string[] {
  const secrets = [password, identityToken ?? ""].filter((text) => text !== "");
  const pair = Buffer.from(`${username}:${password}`);
  const alone = secrets.map((text) => Buffer.from(text).toString("base64"));
  return [...secrets, ...alone, ...(password === "" ? [] : [pair.toString("base64"), pair.toString("base64url")])];
}

/** Removes secrets from text that leaves the process: those it was told of, and whatever looks like one. */
export class Redactor {
  readonly #values = new Set<string>();

  /** Masks `text` from now on, also where it is URL-encoded or inside JSON. Fewer than four characters are ignored. */
  add(text: string): void {
    if (text.length < 4) return;
    for (const form of writtenForms(text)) this.#values.add(form);
  }

  addCredential(credential: Credential): void {
    for (const form of credentialForms(credential)) this.add(form);
  }

  redact(text: string): string {
    let result = text;
    // Longest first: a secret may contain another one.
    for (const value of [...this.#values].sort((a, b) => b.length - a.length)) result = result.replaceAll(value, MASK);
    return redactText(result);
  }
}

// `token=` and the like in a query, a form or a log line; signed URLs of S3, GCS, Azure, CloudFront and Cloudflare.
const secretParameter =
  /((?:^|[?&;,\s"'{])"?(?:x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|awsaccesskeyid|key-pair-id|policy|signature|sig|verify|hmac|token|(?:access|refresh|identity|id)_?token|api_?key|client_secret|password)"?\s*[=:]\s*"?)([^\s"'&;,}]+)/gi;

/** A JSON Web Token. Each run of its characters is gone through once: a log may have one of any length. */
const webToken = /(?<![\w-])(?=[\w-]+\.[\w-])([\w-]*?\b)eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g;

/** Removes what can be told as a secret by its form alone, in a time that grows as the text does. */
export function redactText(text: string): string {
  return text
    .replace(/\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?)[^\r\n"']+/gi, `$1${MASK}`)
    .replace(/\b(bearer|basic)\s+[A-Za-z0-9\-._~+/]{8,}=*/gi, `$1 ${MASK}`)
    .replace(/:\/\/[^/\s@"']+@/g, `://${MASK}@`)
    .replace(webToken, `$1${MASK}`)
    .replace(secretParameter, `$1${MASK}`);
}
