import { checkApplications } from "./application-rules.ts";
import type { ContextFiles } from "./context-files.ts";
import { type Diagnostic, type Report, sortDiagnostics } from "./diagnostic.ts";
import type { Kubefile } from "./instruction.ts";
import { checkLaunchCommands } from "./launch-rules.ts";
import { type ParseResult, parseKubefile } from "./parser.ts";
import { checkSources } from "./source-rules.ts";
import { checkStages } from "./stage-rules.ts";
import { checkStructure } from "./structure-rules.ts";
import { unsupportedFeatures } from "./unsupported.ts";
import { checkVariables } from "./variable-rules.ts";

/**
 * What only the whole file or the build context can tell. Without a context the checks of files are left out. Sorted by
 * place; what the parser reported is not among it.
 */
export function lintKubefile(kubefile: Kubefile, context?: ContextFiles): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const report: Report = (diagnostic) => diagnostics.push(diagnostic);
  checkStructure(kubefile, report);
  checkStages(kubefile, report);
  checkVariables(kubefile, report);
  checkApplications(kubefile, context, report);
  checkSources(kubefile, context, report);
  checkLaunchCommands(kubefile, context, report);
  checkFlagsWithoutEffect(kubefile, report);
  return sortDiagnostics(diagnostics);
}

/**
 * Everything there is to say about a Kubefile: parser, linter, and what is not executed yet (`"error"` when a build is
 * meant, `"warning"` when only advice is).
 */
export function checkKubefile(
  text: string,
  file: string,
  options: { readonly context?: ContextFiles; readonly unsupported: "error" | "warning" },
): ParseResult {
  const { kubefile, diagnostics } = parseKubefile(text, file);
  const unsupported = unsupportedFeatures(kubefile).map((found) => ({ ...found, severity: options.unsupported }));
  const all = [...diagnostics, ...lintKubefile(kubefile, options.context), ...unsupported];
  return { kubefile, diagnostics: sortDiagnostics(all) };
}

const withoutEffect: Readonly<Record<string, string>> = {
  chown: "all files of a cluster image belong to root; remove it",
  link: "layers never depend on each other here; remove it",
};

function checkFlagsWithoutEffect(kubefile: Kubefile, report: Report): void {
  for (const { kind, flags } of kubefile.instructions) {
    for (const flag of flags) {
      const hint = Object.hasOwn(withoutEffect, flag.name) ? withoutEffect[flag.name] : undefined;
      if (hint === undefined) continue;
      const message = `${kind} --${flag.name} has no effect`;
      report({ severity: "warning", code: "flag-without-effect", message, hint, span: flag.span });
    }
  }
}
