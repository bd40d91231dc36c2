/** Every instruction of a Kubefile. */
export const instructionKinds = [
  "FROM",
  "COPY",
  "ADD",
  "ARG",
  "ENV",
  "RUN",
  "LABEL",
  "MAINTAINER",
  "APP",
  "APPCMDS",
  "APPENV",
  "CNI",
  "CSI",
  "KUBEVERSION",
  "LAUNCH",
  "CMD",
  "CMDS",
] as const;

export type InstructionKind = (typeof instructionKinds)[number];
