/**
 * A path of a URL with every value percent-encoded, so that no value can add a segment:
 * `` urlPath`/zones/${zone}/rrsets/${name}` ``.
 */
export function urlPath(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((path, part, index) => {
    return path + encodeURIComponent(values[index - 1] ?? '') + part
  })
}
