// The name under which an image is run when its digest is known.
import { normalizeImageName } from './image-name.ts'

/** `host/shop/web:1` with a digest → `host/shop/web@sha256:…`; without one the name as it is. */
export function pinnedImage({ image, imageDigest }: { readonly image: string; readonly imageDigest?: string }): string {
  if (imageDigest === undefined) return image
  const full = normalizeImageName(image)
  const colon = full.lastIndexOf(':')
  return `${colon > full.lastIndexOf('/') ? full.slice(0, colon) : full}@${imageDigest}`
}
