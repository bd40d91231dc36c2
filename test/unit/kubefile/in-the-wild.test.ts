import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Instruction } from "../../../src/kubefile/instruction.ts";
import { checkKubefile } from "../../../src/kubefile/lint.ts";
import { createContext } from "./context-directory.ts";

const directory = new URL("../../fixtures/kubefile/", import.meta.url);

/** Kubefiles written the way people write them, with what they must be read as and the context they belong to. */
const files: Readonly<Record<string, { context: readonly string[]; expected: readonly string[] }>> = {
  "classic.Kubefile": {
    context: ["etc/custom-resources.yaml"],
    expected: [
      "FROM scratch",
      "COPY etc > .",
      "RUN wget https://docs.example.com/manifests/tigera-operator.yaml -O etc/tigera-operator.yaml",
      "CMD kubectl apply -f etc/tigera-operator.yaml",
      "CMD kubectl apply -f etc/custom-resources.yaml",
    ],
  },
  "sealos-entrypoint.Kubefile": {
    context: ["charts/shop/Chart.yaml", "registry/", "manifests/a.yaml", "entrypoint.sh"],
    expected: [
      "FROM scratch",
      'ENV NAME=${NAME:-"shop"}',
      'ENV NAMESPACE=${NAMESPACE:-"shop"}',
      "ENV CHARTS=./charts/shop",
      'ENV HELM_OPTS=${HELM_OPTS:-" --set persistence.size=1Gi --set metrics.enabled=false "}',
      "COPY charts > charts",
      "COPY registry > registry",
      "COPY manifests > ./manifests",
      "COPY entrypoint.sh > entrypoint.sh",
      "CMD helm upgrade -i $(NAME) $(CHARTS) -n $(NAMESPACE) --create-namespace $(HELM_OPTS)",
    ],
  },
  "sealos-list.Kubefile": {
    context: ["charts/lb/Chart.yaml", "manifests/pool.yaml"],
    expected: [
      "FROM scratch",
      "LABEL sealos.io.type=patch",
      "LABEL org.opencontainers.image.authors=Jane Doe",
      "ENV hostname=shop.my.org",
      "ENV POD_CIDR=100.64.0.0/10",
      "COPY . > .",
      "CMD kubectl get configmap kube-proxy -n kube-system -o yaml | sed -e 's/strictARP: false/strictARP: true/' | kubectl apply -f - -n kube-system ; helm upgrade -i lb charts/lb -n lb-system --create-namespace ; kubectl create -f manifests/pool.yaml || true",
    ],
  },
  "shell-lines.Kubefile": {
    context: ["storage/operator.yaml", "storage/crd.yaml", "storage/extra.yaml", "imageList"],
    expected: [
      "FROM scratch",
      "COPY storage > .",
      "COPY imageList > manifests",
      "CMD kubectl create ns storage-system && kubectl apply -f storage/operator.yaml",
      "CMD kubectl apply -f storage/crd.yaml",
      "CMD kubectl create ns monitoring",
      'CMD kubectl patch storageclass hostpath -p \'{"metadata": {"annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}}\'',
      "CMD [ -f storage/extra.yaml ] && kubectl apply -f storage/extra.yaml || true",
    ],
  },
  "blanks.Kubefile": {
    context: ["manifests/tool"],
    expected: [
      "FROM scratch",
      "COPY manifests > manifests/",
      "RUN mkdir -p bin && \tcp manifests/tool bin/   && chmod 0755 bin/tool",
      "CMD kubectl apply -f manifests",
    ],
  },
  "applications.Kubefile": {
    context: [
      "tools/run.sh",
      "extra.tar.gz",
      "network/flannel.yaml",
      "storage/driver.yaml",
      "charts/shop/Chart.yaml",
      "charts/shop/templates/a.yaml",
      "jobs/a.yaml",
      "jobs/b.yaml",
    ],
    expected: [
      "ARG REGISTRY=registry.example",
      "FROM scratch",
      "MAINTAINER Jane Doe <jane@example.com>",
      "KUBEVERSION >=1.30 <1.36",
      "ARG VERSION=1.2.0",
      "LABEL version=$VERSION description=a shop, in one image",
      "ENV MODE=production DOMAIN=shop.local PRICE=$5",
      "COPY --chmod=0755 tools/*.sh > bin/",
      "ADD extra.tar.gz > extra/",
      "CNI flannel: local://network/flannel.yaml",
      "CSI hostpath: local://storage/",
      "APP shop: local://charts/shop",
      "APP jobs: local://jobs/a.yaml local://jobs/b.yaml",
      "APP tools: local://tools/",
      "APPENV shop: MODE=test DOMAIN=${DOMAIN}",
      "APPCMDS tools: sh run.sh --all",
      "RUN sh | -c | echo $VERSION > version",
      "LAUNCH flannel hostpath shop jobs tools",
    ],
  },
  "heredoc.Kubefile": {
    context: [],
    expected: [
      "FROM scratch",
      "RUN set -e\nmkdir -p etc\n# not a comment of the Kubefile\necho FROM nowhere > etc/a\n",
      "RUN cat > etc/b <<-'END'\nCOPY stays text\nEND\n",
      "CMD ls etc",
    ],
  },
  "backtick.Kubefile": {
    context: ["etc/kustomization.yaml", "etc/after.sh"],
    expected: [
      "FROM scratch",
      "COPY etc > etc",
      "RUN printf '%s\\n' a > b",
      "CMDS kubectl apply -k etc ; sh etc/after.sh",
    ],
  },
};

test("every fixture is looked at", () => {
  expect(readdirSync(directory).sort()).toEqual(Object.keys(files).sort());
});

const variants: readonly [string, (text: string) => string][] = [
  ["as written", (text) => text],
  ["with CRLF", (text) => text.replaceAll("\n", "\r\n")],
  ["with a byte order mark", (text) => `\uFEFF${text}`],
  ["without a last line end", (text) => text.trimEnd()],
];

for (const [name, { context, expected }] of Object.entries(files)) {
  test.each(variants)(`${name} %s`, (_variant, change) => {
    using files = createContext(context);
    const text = change(readFileSync(new URL(name, directory), "utf8"));
    const { kubefile, diagnostics } = checkKubefile(text, name, { context: files, unsupported: "error" });
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(kubefile.instructions.map(shown)).toEqual(expected);
  });
}

/** An instruction as it was understood, on one line. */
function shown(instruction: Instruction): string {
  const pairs = (items: readonly { name: { text: string }; value: { text: string } }[]): string =>
    items.map(({ name, value }) => `${name.text}=${value.text}`).join(" ");
  const words = (items: readonly { text: string }[], separator = " "): string =>
    items.map(({ text }) => text).join(separator);
  const flags = instruction.flags.map(({ name, value }) => `--${name}=${value?.text} `).join("");
  const rest = (): string => {
    switch (instruction.kind) {
      case "FROM":
        return instruction.image.text;
      case "COPY":
      case "ADD":
        return `${words(instruction.sources)} > ${instruction.destination.text}`;
      case "ARG":
        return instruction.arguments.map((item) => `${item.name.text}=${item.default?.text}`).join(" ");
      case "ENV":
      case "LABEL":
        return pairs(instruction.pairs);
      case "MAINTAINER":
        return instruction.name.text;
      case "KUBEVERSION":
        return instruction.version.text;
      case "RUN":
        return instruction.form === "shell" ? instruction.command.text : words(instruction.argv, " | ");
      case "APP":
      case "CNI":
      case "CSI":
        return `${instruction.name.text}: ${words(instruction.sources)}`;
      case "APPENV":
        return `${instruction.name.text}: ${pairs(instruction.pairs)}`;
      case "APPCMDS":
        return `${instruction.name.text}: ${instruction.command.text}`;
      case "LAUNCH":
        return words(instruction.apps);
      case "CMD":
      case "CMDS":
        return words(instruction.commands, " ; ");
    }
  };
  return `${instruction.kind} ${flags}${rest()}`;
}
