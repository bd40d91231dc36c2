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

const kubectlRelease = "https://dl.k8s.io/release/v1.34.4/bin/linux";

/** For users' own steps after a build; the sums are published beside each file, as `<file>.sha256`. */
export const pinnedKubectl: PinnedTool = {
  version: "v1.34.4",
  downloads: {
    "linux/x64": {
      url: `${kubectlRelease}/amd64/kubectl`,
      sha256: "d50c359d95e0841eaad08ddc27c7be37cba8fdccfba5c8e2ded65e121ff112db",
    },
    "linux/arm64": {
      url: `${kubectlRelease}/arm64/kubectl`,
      sha256: "5b982c0644ab1e27780246b9085a5886651b4a7ed86243acbb2bacc1bea01dda",
    },
  },
};

const helmRelease = "https://get.helm.sh/helm-v3.19.5-linux";

/** Archives; the sums are published beside each, as `<file>.sha256sum`. */
export const pinnedHelm: PinnedTool = {
  version: "v3.19.5",
  downloads: {
    "linux/x64": {
      url: `${helmRelease}-amd64.tar.gz`,
      sha256: "a0a5e8c592ed3f376ac110715eff214730c7422f9a44d96cf98117d2b8b0e6c0",
    },
    "linux/arm64": {
      url: `${helmRelease}-arm64.tar.gz`,
      sha256: "ce02147ffee6d993bf8ae97a44a22e9e1daf0b69d2d5b69a0c8cf6706445ccf5",
    },
  },
};
