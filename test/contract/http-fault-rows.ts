import type { FakeAnswer, Fault } from '../fakes/dns/fake-api.ts'
import type { HttpRig } from '../fakes/dns/hosted-rig.ts'

/** One fault, and what comes of it. */
export interface FaultRow {
  /** `read/429-soon`; what `kinds` of a service may override. */
  readonly title: string
  readonly on: 'read' | 'write'
  readonly times: number
  readonly fault: (rig: HttpRig, echo: string) => Fault | undefined
  /** The kind of the first outcome. */
  readonly kind: string
  /** Requests of the kind that the first apply sends at most. */
  readonly most?: number
  /** How long the fault says to wait, in ms. */
  readonly retryAfterMs?: number
}

/** More often than anything is tried. */
export const ALWAYS = 100
const HTML = '<!DOCTYPE html><html><body>upstream is not well</body></html>'

const answer = (make: (rig: HttpRig, echo: string) => FakeAnswer): FaultRow['fault'] => {
  return (rig, echo) => ({ kind: 'answer', answer: make(rig, echo) })
}
const status = (code: number, headers: Record<string, string> = {}) =>
  answer(({ fake }, echo) => ({ ...fake.errorAnswer(code, echo), headers }))
const html = (code: number) => answer((_, echo) => ({ status: code, body: `${HTML}${echo}` }))
const silent = (kind: 'timeout' | 'reset', when: 'before' | 'after') => (): Fault => ({
  kind,
  when,
})
const inside: FaultRow['fault'] = ({ fake }, echo) =>
  fake.errorInside && { kind: 'answer', answer: fake.errorInside(echo) }

/** What can go wrong with any API, what must come of it, and how often it may be asked again. */
export const FAULT_ROWS: readonly FaultRow[] = [
  { title: 'read/401', on: 'read', times: ALWAYS, fault: status(401), kind: 'auth', most: 1 },
  { title: 'read/403', on: 'read', times: ALWAYS, fault: status(403), kind: 'forbidden', most: 1 },
  {
    title: 'read/404',
    on: 'read',
    times: ALWAYS,
    fault: status(404),
    kind: 'zone-not-found',
    most: 1,
  },
  { title: 'read/422', on: 'read', times: ALWAYS, fault: status(422), kind: 'invalid', most: 1 },
  {
    ...{ title: 'read/429-soon', on: 'read', times: 1, kind: 'updated' },
    fault: status(429, { 'retry-after': '2' }),
  },
  {
    ...{ title: 'read/429-minutes', on: 'read', times: ALWAYS, kind: 'rate-limited', most: 1 },
    ...{ fault: status(429, { 'retry-after': '300' }), retryAfterMs: 300_000 },
  },
  {
    ...{ title: 'read/429-date', on: 'read', times: ALWAYS, kind: 'rate-limited', most: 1 },
    ...{ fault: status(429, { 'retry-after': 'Sat, 31 Jan 2026 12:10:00 GMT' }) },
    retryAfterMs: 600_000,
  },
  {
    ...{ title: 'read/429-hours', on: 'read', times: ALWAYS, kind: 'quota', most: 1 },
    ...{ fault: status(429, { 'retry-after': '40000' }), retryAfterMs: 40_000_000 },
  },
  {
    title: 'read/429-bare',
    on: 'read',
    times: ALWAYS,
    fault: status(429),
    kind: 'rate-limited',
    most: 1,
  },
  { title: 'read/500-once', on: 'read', times: 1, fault: status(500), kind: 'updated' },
  { title: 'read/502-html-twice', on: 'read', times: 2, fault: html(502), kind: 'updated' },
  {
    title: 'read/502-html',
    on: 'read',
    times: ALWAYS,
    fault: html(502),
    kind: 'transient',
    most: 3,
  },
  {
    ...{ title: 'read/503-html', on: 'read', times: ALWAYS, kind: 'transient', most: 3 },
    fault: html(503),
  },
  {
    title: 'read/200-html',
    on: 'read',
    times: ALWAYS,
    fault: html(200),
    kind: 'transient',
    most: 3,
  },
  {
    title: 'read/timeout-once',
    on: 'read',
    times: 1,
    fault: silent('timeout', 'after'),
    kind: 'updated',
  },
  {
    ...{ title: 'read/timeout', on: 'read', times: ALWAYS, kind: 'transient', most: 3 },
    fault: silent('timeout', 'before'),
  },
  {
    title: 'read/reset-once',
    on: 'read',
    times: 1,
    fault: silent('reset', 'before'),
    kind: 'updated',
  },
  {
    title: 'read/truncated-once',
    on: 'read',
    times: 1,
    fault: () => ({ kind: 'truncated' }),
    kind: 'updated',
  },
  {
    ...{ title: 'read/another-form', on: 'read', times: ALWAYS, kind: 'protocol', most: 1 },
    fault: answer((_, echo) => ({ status: 200, body: { surprise: echo } })),
  },
  {
    ...{ title: 'read/redirect', on: 'read', times: ALWAYS, kind: 'protocol', most: 1 },
    fault: answer(() => ({ status: 302, headers: { location: 'https://elsewhere.invalid/' } })),
  },
  {
    title: 'read/200-error-inside',
    on: 'read',
    times: ALWAYS,
    fault: inside,
    kind: 'protocol',
    most: 1,
  },
  { title: 'write/401', on: 'write', times: ALWAYS, fault: status(401), kind: 'auth', most: 1 },
  {
    title: 'write/403',
    on: 'write',
    times: ALWAYS,
    fault: status(403),
    kind: 'forbidden',
    most: 1,
  },
  { title: 'write/404-once', on: 'write', times: 1, fault: status(404), kind: 'updated', most: 2 },
  { title: 'write/409-once', on: 'write', times: 1, fault: status(409), kind: 'updated', most: 2 },
  { title: 'write/409', on: 'write', times: ALWAYS, fault: status(409), kind: 'conflict', most: 3 },
  { title: 'write/422', on: 'write', times: ALWAYS, fault: status(422), kind: 'invalid', most: 1 },
  {
    ...{ title: 'write/429-soon', on: 'write', times: ALWAYS, kind: 'rate-limited', most: 1 },
    ...{ fault: status(429, { 'retry-after': '2' }), retryAfterMs: 2000 },
  },
  {
    title: 'write/429-bare',
    on: 'write',
    times: ALWAYS,
    fault: status(429),
    kind: 'rate-limited',
    most: 1,
  },
  {
    title: 'write/502-html-once',
    on: 'write',
    times: 1,
    fault: html(502),
    kind: 'updated',
    most: 2,
  },
  {
    ...{ title: 'write/503-html', on: 'write', times: ALWAYS, kind: 'transient', most: 3 },
    fault: html(503),
  },
  {
    title: 'write/502-html',
    on: 'write',
    times: ALWAYS,
    fault: html(502),
    kind: 'transient',
    most: 3,
  },
  {
    title: 'write/timeout-before',
    on: 'write',
    times: 1,
    fault: silent('timeout', 'before'),
    kind: 'updated',
    most: 2,
  },
  {
    title: 'write/timeout-after',
    on: 'write',
    times: 1,
    fault: silent('timeout', 'after'),
    kind: 'updated',
    most: 1,
  },
  {
    title: 'write/reset-before',
    on: 'write',
    times: 1,
    fault: silent('reset', 'before'),
    kind: 'updated',
    most: 2,
  },
  {
    title: 'write/reset-after',
    on: 'write',
    times: 1,
    fault: silent('reset', 'after'),
    kind: 'updated',
    most: 1,
  },
  {
    title: 'write/truncated',
    on: 'write',
    times: 1,
    fault: () => ({ kind: 'truncated' }),
    kind: 'updated',
    most: 1,
  },
  {
    title: 'write/200-error-inside',
    on: 'write',
    times: ALWAYS,
    fault: inside,
    kind: 'protocol',
    most: 1,
  },
]
