import type { Location } from "../error.ts";

export interface DeclaredApp {
  readonly name: string;
  readonly kind: "app" | "cni" | "csi";
  /** Where its files are, relative to the rootfs. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** APPCMDS, when given. */
  readonly command?: { readonly text: string; readonly where: Location };
}

/** What starts the application: command lines, or declared APPs. */
export type PlannedLaunch =
  | { readonly kind: "commands"; readonly commands: readonly { readonly text: string; readonly where: Location }[] }
  | { readonly kind: "apps"; readonly names: readonly string[]; readonly where: Location };
