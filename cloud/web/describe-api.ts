/**
 * The OpenAPI document of docs/schema, with this cloud's public URL as its server. Loaded when it is first asked
 * for: bundles that are split have it as a chunk of its own.
 */
export async function describeApi(url: string) {
  const json = await import('../../docs/schema/openapi.json', { with: { type: 'json' } })
  return { ...json.default, servers: [{ url }] }
}
