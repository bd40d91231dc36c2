import { tryParseReference } from "../oci/reference.ts";

/** Keys under which a plain string names an image. */
export function isImageKey(key: string): boolean {
  return /^image$|Image$|_IMAGE$|^RELATED_IMAGE_|^imageRef(erence)?$/.test(key);
}

/**
 * Whether a text that nothing marks as an image looks like one all the same: a registry's name with a dot or a port, a
 * path, and a tag or digest. Anything less would take half of all configuration for images.
 */
export function looksLikeImage(text: string): boolean {
  const match =
    /^([a-z0-9.-]+\.[a-z0-9-]+(?::\d+)?|localhost(?::\d+)?)\/[^\s:@]+(?::[\w][\w.-]*)?(?:@sha256:[0-9a-f]{64})?$/.exec(
      text,
    );
  return match !== null && /[:@][^/]+$/.test(text) && tryParseReference(text) !== undefined;
}

/** An image-looking word of a longer text. */
export interface ImageInText {
  readonly image: string;
  /** Lines above it in the text. */
  readonly line: number;
}

/** Image-looking words of a longer text, in their order: values of `image:` keys, and full names anywhere. */
export function imagesInText(text: string): readonly ImageInText[] {
  const found = new Map<number, string>();
  for (const match of text.matchAll(/\bimage["']?\s*[:=]\s*["']?([^\s"'{},;|<>()[\]]{1,400})/gi)) {
    const [whole, image = ""] = match;
    if (isPlainImage(image)) found.set(match.index + whole.length - image.length, image);
  }
  for (const match of text.matchAll(/[^\s"'`{},;|<>()[\]=]{3,400}/g)) {
    const [image] = match;
    if (looksLikeImage(image)) found.set(match.index, image);
  }
  const images: ImageInText[] = [];
  let [line, counted] = [0, 0];
  for (const [offset, image] of [...found].sort(([one], [other]) => one - other)) {
    // From one to the next: to count from the top each time would take hours for a text of nothing else.
    line += text.slice(counted, offset).split("\n").length - 1;
    counted = offset;
    images.push({ image, line });
  }
  return images;
}

/** A word after `image:` is believed when it has a tag, a digest or a path; `image: true` and the like have none. */
function isPlainImage(text: string): boolean {
  return /[:/@]/.test(text) && !text.includes("//") && tryParseReference(text) !== undefined;
}
