import type { Command } from "commander";
import { sizeOfRecords } from "../cache/listing.ts";
import { formatOthers, formatRecords, recordFields } from "../cache/listing-text.ts";
import { countOf, formatSize } from "../image/text-table.ts";
import { type ListedCache, listCaches } from "../pipeline/cache-list.ts";
import { type PrunedCache, pruneCaches } from "../pipeline/cache-prune.ts";
import { cacheListInputs, cachePruneInputs, parsePlaces, parseRule } from "../platform/cache-inputs.ts";
import type { CommandContext } from "../platform/context.ts";
import { openHost } from "../platform/host.ts";
import { printableJson } from "../process/printable.ts";
import { addInputs, writtenInputs } from "./input-options.ts";

export function registerCache(program: Command, context: CommandContext): void {
  const cache = program
    .command("cache")
    .description("list what builds have kept for later ones, and remove what is not worth its room")
    .addHelpText("after", "\nExamples:\n  kubefile cache ls\n  kubefile cache prune --older-than 14d");
  registerList(cache, context);
  registerPrune(cache, context);
}

function registerList(cache: Command, context: CommandContext): void {
  const command = cache.command("ls").description("list records: what each is of, its size, and when it was last used");
  addInputs(command, cacheListInputs)
    .addHelpText(
      "after",
      `
Examples:
  kubefile cache ls
  kubefile cache ls --cache-from type=registry,ref=registry.example/shop/cache
  kubefile cache ls --format json | jq '[.[].records[].size] | add'`,
    )
    .action(async () => {
      const { format = "pretty", ...flags } = writtenInputs(command, cacheListInputs);
      const specs = parsePlaces(flags, context.cwd);
      await using host = await openHost(context, flags);
      const caches = await listCaches(host, specs, Date.now());
      host.endProgress();
      const { stdout } = context;
      if (format === "json") stdout.write(`${printableJson(caches.map(listFields))}\n`);
      else if (caches.length === 0) stdout.write("no records here yet\n");
      else stdout.write(`${caches.flatMap((listed) => listLines(listed, stdout.columns ?? 120)).join("\n")}\n`);
    });
}

function registerPrune(cache: Command, context: CommandContext): void {
  const command = cache
    .command("prune")
    .description("remove records by age, number or size, and every blob of the store that nothing leads to");
  addInputs(command, cachePruneInputs)
    .addHelpText(
      "after",
      `
Without a rule only blobs go that no record and no local image leads to. Images built here (\`kubefile images\`) always
stay. While a build uses the store, nothing is removed. A registry removes blobs itself when it next collects garbage.

Examples:
  kubefile cache prune
  kubefile cache prune --older-than 14d --dry-run
  kubefile cache prune --keep-bytes 10GB
  kubefile cache prune --cache-to type=registry,ref=registry.example/shop/cache --older-than 30d`,
    )
    .action(async () => {
      const { format = "pretty", dryRun = false, ...flags } = writtenInputs(command, cachePruneInputs);
      const specs = parsePlaces(flags, context.cwd);
      const rule = parseRule(flags);
      await using host = await openHost(context, flags);
      const { stdout } = context;
      const results: PrunedCache[] = [];
      const report = (pruned: PrunedCache): void => {
        results.push(pruned);
        if (format === "json") return;
        host.endProgress();
        stdout.write(`${pruneLines(pruned, dryRun, stdout.columns ?? 120).join("\n")}\n`);
      };
      try {
        await pruneCaches(host, { specs, rule, dryRun, now: () => new Date() }, report);
      } finally {
        host.endProgress();
        if (format === "json") stdout.write(`${printableJson(results.map(pruneFields))}\n`);
      }
      if (format === "pretty" && results.length === 0) stdout.write("nothing to remove\n");
    });
}

function listLines(listed: ListedCache, width: number): string[] {
  const { place, records, others, blobs, foreignTags = 0 } = listed;
  const total = `${place}: ${countOf(records.length, "record")}, ${formatSize(sizeOfRecords(records))}`;
  const foreign = foreignTags === 0 ? "" : `; ${countOf(foreignTags, "tag")} of others`;
  return [...formatRecords(records, width), `${total}${foreign}`, ...blobLines(blobs), ...formatOthers(others)];
}

function blobLines(blobs: ListedCache["blobs"]): string[] {
  if (blobs === undefined) return [];
  const { all, unused } = blobs;
  const rest = unused.size === 0 ? "" : `; nothing leads to ${unused.size} of them, ${formatSize(bytesOf(unused))}`;
  return [`${countOf(all.size, "blob")}, ${formatSize(bytesOf(all))}${rest}`];
}

function pruneLines(pruned: PrunedCache, dryRun: boolean, width: number): string[] {
  const { place, removed, kept, others, blobs, bytes } = pruned;
  const verb = dryRun ? "would remove" : "removed";
  const counted = `${countOf(removed.length, "record")}${blobs === undefined ? "" : ` and ${countOf(blobs, "blob")}`}`;
  const size = blobs === undefined ? `up to ${formatSize(bytes)} for the registry to collect` : formatSize(bytes);
  return [
    ...formatRecords(removed, width),
    `${place}: ${verb} ${counted}, ${size}; ${countOf(kept.length, "record")} ${kept.length === 1 ? "stays" : "stay"}`,
    ...formatOthers(others),
  ];
}

function listFields({ place, records, others, blobs, foreignTags }: ListedCache): object {
  return {
    ...{ place, records: records.map(recordFields), size: sizeOfRecords(records), others, foreignTags },
    ...(blobs === undefined
      ? {}
      : {
          blobs: { count: blobs.all.size, size: bytesOf(blobs.all) },
          unused: { count: blobs.unused.size, size: bytesOf(blobs.unused) },
        }),
  };
}

function pruneFields({ place, removed, kept, others, blobs, bytes }: PrunedCache): object {
  return { place, removed: removed.map(recordFields), kept: kept.length, others, blobs, bytes };
}

function bytesOf(blobs: ReadonlyMap<string, number>): number {
  return [...blobs.values()].reduce((sum, size) => sum + size, 0);
}
