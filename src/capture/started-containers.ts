import type { KubernetesObject } from "../cluster/types.ts";
import { recordsAt, textAt } from "./json-fields.ts";
import type { StartedContainer } from "./observation.ts";
import { nameOf } from "./owners.ts";
import { type ImageRole, imagesOfPodSpec } from "./pod-spec.ts";

const statusLists: readonly { readonly field: string; readonly role: ImageRole }[] = [
  { field: "initContainerStatuses", role: "init" },
  { field: "containerStatuses", role: "main" },
  { field: "ephemeralContainerStatuses", role: "ephemeral" },
];

/** The containers of a pod whose image the node has resolved. Empty for anything but a pod. */
export function startedContainers(pod: KubernetesObject): readonly StartedContainer[] {
  if (pod.kind !== "Pod") return [];
  const images = imagesOfPodSpec(pod.spec);
  return statusLists.flatMap(({ field, role }) =>
    recordsAt(pod, "status", field).flatMap((status) => {
      const container = textAt(status, "name");
      const imageID = textAt(status, "imageID");
      if (container === undefined || imageID === undefined || imageID === "") return [];
      const written = images.find((image) => image.role === role && image.container === container)?.image;
      return [{ pod: nameOf(pod), container, role, image: written ?? textAt(status, "image") ?? "", imageID }];
    }),
  );
}
