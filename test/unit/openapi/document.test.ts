import { readFile } from 'node:fs/promises'
import { validate } from '@hyperjump/json-schema/openapi-3-1'
import { describe, expect, it } from 'vitest'
import { ANSWERED_CODES } from '../../../cloud/problem.ts'
import { otherRoutes } from '../../../cloud/web/other-routes.ts'
import { OPERATIONS, pathOf, renderDocument } from '../../../infra/openapi/document.ts'
import { codesByStatus } from '../../../infra/openapi/problems.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'

const document = JSON.parse(JSON.stringify(renderDocument()))

/** Every value under a `$ref`, however deep. */
function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inside]) =>
    key === '$ref' ? [String(inside)] : referencesIn(inside),
  )
}

/** The value at a JSON Pointer (RFC 6901) in a fragment. */
function at(pointer: string): unknown {
  const steps = pointer.slice(2).split('/')
  return steps.reduce(
    (value, step) => (value as Record<string, unknown> | undefined)?.[step],
    document,
  )
}

// Published; `npx vitest run --project unit test/unit/openapi/document.test.ts -u` writes it anew.
describe('the published OpenAPI document', () => {
  it('is what the schemas that validate give', async () => {
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot(
      '../../../docs/schema/openapi.json',
    )
  })

  it('is OpenAPI 3.1, by the schema of its specification', async () => {
    const isOpenApi = await validate('https://spec.openapis.org/oas/3.1/schema-base')
    expect(isOpenApi(document, 'BASIC')).toEqual({ valid: true })
    expect(isOpenApi({ ...document, paths: { 'no-slash': {} } }).valid).toBe(false)
  })

  it('refers to what it has, and has nothing that it does not refer to', () => {
    const used = new Set(referencesIn(document))
    expect([...used].filter((pointer) => at(pointer) === undefined)).toEqual([])
    const parts = ['schemas', 'headers'].flatMap((kind) =>
      Object.keys(document.components[kind]).map((name) => `#/components/${kind}/${name}`),
    )
    expect(parts.filter((pointer) => !used.has(pointer))).toEqual([])
  })

  it('has every route of the application, and no other', async () => {
    const { app, deps } = await startTestCloud()
    const registered = [...app.routes, ...otherRoutes(deps).routes]
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`)
    const described = OPERATIONS.map(({ method, route }) => `${method.toUpperCase()} ${route}`)
    expect(described.toSorted()).toEqual([...new Set(registered)].toSorted())
    const inDocument = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method} ${path}`),
    )
    expect(inDocument).toHaveLength(OPERATIONS.length)
    expect(inDocument.toSorted()).toEqual(
      OPERATIONS.map((one) => `${one.method} ${pathOf(one)}`).toSorted(),
    )
  })

  it('has a place for every code that the cloud answers with', () => {
    const told = new Set(OPERATIONS.flatMap((one) => [...codesByStatus(one).values()].flat()))
    expect(ANSWERED_CODES.filter((code) => !told.has(code as never))).toEqual([])
  })

  it('is served with the URL of the cloud as its server', async () => {
    const cloud = await startTestCloud()
    const response = await cloud.app.request('/v1/openapi.json')
    const published = JSON.parse(await readFile('docs/schema/openapi.json', 'utf8'))
    expect(await response.json()).toEqual({ ...published, servers: [{ url: cloud.deps.url }] })
  })
})
