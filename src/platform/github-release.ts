import { basename } from "node:path";
import { KubefileError } from "../error.ts";
import type { GitHubApi } from "./github-api.ts";
import { uploadAsset } from "./github-upload.ts";
import type { Release } from "./platform.ts";

interface FoundRelease {
  readonly id: number;
  readonly page: string;
  readonly uploads: string;
  readonly assets: readonly { readonly id: number; readonly name: string }[];
}

/** Newer releases are first, and nobody makes one anew that is older than so many. */
const PER_PAGE = 100;

/**
 * Makes a release of a Git tag, or brings the one that is there up to date. It is a draft until its files are all there:
 * nobody sees half of one, and where releases cannot be changed, files are added before it is published.
 *
 * @param repository `owner/name`
 * @returns where it can be read
 * @throws KubefileError PLATFORM
 */
export async function publishGitHubRelease(
  api: GitHubApi,
  { server, repository }: { readonly server: string; readonly repository: string },
  release: Release,
): Promise<string> {
  const { tag, name, notes, files } = release;
  const all = `/repos/${repository}/releases`;
  const listed = await api.send({ method: "GET", path: `${all}?per_page=${PER_PAGE}` });
  const same = Array.isArray(listed) ? listed.find((each: unknown) => at(each, "tag_name") === tag) : undefined;
  const body = { tag_name: tag, name, body: notes, prerelease: release.isPrerelease };
  const found = readRelease(same ?? (await api.send({ method: "POST", path: all, body: { ...body, draft: true } })));
  for (const file of files) {
    const old = found.assets.find((asset) => asset.name === basename(file));
    if (old !== undefined) await api.send({ method: "DELETE", path: `${all}/assets/${old.id}` });
    await uploadAsset(api, server, found.uploads, file);
  }
  // Which is the latest GitHub tells by version: a fix of an old line is not.
  const published = { ...body, draft: false, ...(release.isPrerelease ? {} : { make_latest: "legacy" }) };
  return readRelease(await api.send({ method: "PATCH", path: `${all}/${found.id}`, body: published })).page;
}

function readRelease(value: unknown): FoundRelease {
  const [id, page, uploads, assets] = ["id", "html_url", "upload_url", "assets"].map((key) => at(value, key));
  if (typeof id !== "number" || !Number.isSafeInteger(id) || typeof uploads !== "string") {
    throw new KubefileError("PLATFORM", "GitHub answered with something else than a release", {
      hint: "GITHUB_API_URL must be the address of GitHub's API, and no proxy may answer in its place",
    });
  }
  const files = (Array.isArray(assets) ? assets : []).flatMap((asset: unknown) => {
    const [assetId, name] = [at(asset, "id"), at(asset, "name")];
    return typeof assetId === "number" && typeof name === "string" ? [{ id: assetId, name }] : [];
  });
  return { id, page: typeof page === "string" ? page : "", uploads, assets: files };
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
