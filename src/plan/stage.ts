import type { Location } from "../error.ts";
import type { BaseImage } from "../image/base-image.ts";
import type { Step } from "./step.ts";

/** A FROM and the steps on it. */
export interface PlannedStage {
  /** How messages name it: `stage build`, or `stage 0` for the first when it has no name. */
  readonly title: string;
  readonly base: StageBase;
  readonly steps: readonly Step[];
  /** Of the FROM. */
  readonly where: Location;
  /** The FROM as written, for people. */
  readonly shown: string;
}

/** What the rootfs of a stage starts with. */
export type StageBase =
  | { readonly kind: "scratch" }
  /** An earlier stage, by its position in `Plan.stages`. */
  | { readonly kind: "stage"; readonly stage: number }
  | { readonly kind: "image"; readonly image: BaseImage };
