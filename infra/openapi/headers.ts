/** Headers of answers that programs go by. */
export const HEADERS = {
  'Cache-Control': {
    required: true,
    description: 'How long the answer stays true.',
    schema: { type: 'string' },
  },
  'Retry-After': {
    required: true,
    description: 'Seconds.',
    schema: { type: 'integer', minimum: 1 },
  },
  'WWW-Authenticate': { required: true, schema: { const: 'Bearer' } },
  'X-Request-Id': {
    required: true,
    description: 'Names the request in the log of the cloud.',
    schema: { type: 'string', minLength: 1 },
  },
}

/** The name of one of them. */
export type HeaderName = keyof typeof HEADERS

/** References to these headers, by name. */
export function renderHeaders(names: readonly HeaderName[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}
