// The program of bin/kubefile. In a bundle the rest stands in chunks, from where it finds the package's other files.
const { start } = await import("./main.ts");

await start();

export {};
