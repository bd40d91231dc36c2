export interface PinnedTool {
  readonly version: string;
  /** By Node's names of platform and architecture. */
  readonly downloads: Readonly<Record<string, { readonly url: string; readonly sha256: string }>>;
}

const kindRelease = "https://github.com/kubernetes-sigs/kind/releases/download/v0.33.0";

/** The sums are published beside each file of that release, as `<file>.sha256sum`. */
export const pinnedKind: PinnedTool = {
  version: "v0.33.0",
  downloads: {
    "linux/x64": {
      url: `${kindRelease}/kind-linux-amd64`,
      sha256: "aee6151561422756b764a4ae28e7f44cda5af5a9eead3cc9985112b1de8d8e0d",
    },
    "linux/arm64": {
      url: `${kindRelease}/kind-linux-arm64`,
      sha256: "20022bee6cfcd5086cb7234d218e3454e6090022f2a8f55d1fa7fcf42c3867a2",
    },
    "darwin/x64": {
      url: `${kindRelease}/kind-darwin-amd64`,
      sha256: "5a99f26f57246dc9319dd294803313197a0f34d33c525b3ea8b655db5916ece0",
    },
    "darwin/arm64": {
      url: `${kindRelease}/kind-darwin-arm64`,
      sha256: "0c8c7dbe5e23594a198b786c4bc13dacc101fa6196b0cb0b23a1ca44e61f4b4f",
    },
  },
};
