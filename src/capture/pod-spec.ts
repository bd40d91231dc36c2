import { listAt, textAt } from "./json-fields.ts";

/** What in a pod an image is for. */
export type ImageRole = "init" | "main" | "ephemeral" | "volume";

export interface PodSpecImage {
  /** Name of the container, or of the volume. */
  readonly container: string;
  readonly role: ImageRole;
  /** As written. */
  readonly image: string;
  /** Where in the pod spec the image stands: `["containers", 0, "image"]`. */
  readonly path: readonly (string | number)[];
}

const containerLists: readonly { readonly field: string; readonly role: ImageRole }[] = [
  { field: "initContainers", role: "init" },
  { field: "containers", role: "main" },
  { field: "ephemeralContainers", role: "ephemeral" },
];

/** Every image that a kubelet fetches for a pod of this spec: containers of the three lists, and image volumes. */
export function imagesOfPodSpec(spec: unknown): readonly PodSpecImage[] {
  const images: PodSpecImage[] = [];
  for (const { field, role } of containerLists) {
    for (const [index, container] of listAt(spec, field).entries()) {
      const image = textAt(container, "image")?.trim();
      if (image === undefined || image === "") continue;
      images.push({ container: textAt(container, "name") ?? "", role, image, path: [field, index, "image"] });
    }
  }
  for (const [index, volume] of listAt(spec, "volumes").entries()) {
    const image = textAt(volume, "image", "reference")?.trim();
    if (image === undefined || image === "") continue;
    const path = ["volumes", index, "image", "reference"];
    images.push({ container: textAt(volume, "name") ?? "", role: "volume", image, path });
  }
  return images;
}

/** `container app`, `init container wait`, `image volume model`. */
export function containerText(image: { readonly role: ImageRole; readonly container: string }): string {
  const words: Record<ImageRole, string> = {
    init: "init container",
    main: "container",
    ephemeral: "ephemeral container",
    volume: "image volume",
  };
  return image.container === "" ? words[image.role] : `${words[image.role]} ${image.container}`;
}
