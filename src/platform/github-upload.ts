import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { KubefileError } from "../error.ts";
import type { GitHubApi } from "./github-api.ts";

/** Bytes that GitHub takes of one file: less than 2 GiB. */
export const longestAsset = 2 * 1024 ** 3 - 1;

/**
 * Hangs a file on a release.
 *
 * @param address the release's `upload_url`, a template
 * @throws KubefileError PLATFORM when it leads to a server that is not GitHub's, or GitHub refuses
 */
export async function uploadAsset(api: GitHubApi, server: string, address: string, file: string): Promise<void> {
  const url = uploadAddress(server, address);
  url.search = new URLSearchParams({ name: basename(file) }).toString();
  const { size } = await stat(file);
  await api.upload({ url, size, open: () => createReadStream(file) });
}

/** The token goes where the API is, or to the host of uploads beside it, and nowhere else, whatever an answer says. */
function uploadAddress(server: string, address: string): URL {
  const api = new URL(server);
  const text = address.replace(/\{.*$/, "");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const beside = api.host.replace(/^api\./, "uploads.");
  if (url !== undefined && url.protocol === api.protocol && (url.host === api.host || url.host === beside)) return url;
  throw new KubefileError("PLATFORM", `GitHub at ${api.host} names another server for files`, {
    hint: "GITHUB_API_URL must be the address of GitHub's API, and no proxy may answer in its place",
  });
}
