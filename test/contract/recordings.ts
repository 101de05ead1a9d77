import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { HostedFake } from '../fakes/dns/hosted-rig.ts'

/** One request to a live service and its answer; bodies as text. */
export interface Exchange {
  readonly method: string
  readonly url: string
  readonly body: string | null
  readonly status: number
  readonly response: string
}

interface Recording {
  readonly cases: Readonly<Record<string, readonly Exchange[]>>
}

/** How the recording of one service is replayed. */
export interface Replay {
  /** The zone that was recorded. */
  readonly zone: string
  open(zone: string): Promise<HostedFake>
  /** Cases of another API, or of what the fake has no reason to do; each with its reason. */
  readonly left?: (name: string) => string | undefined
  /** Exchanges that cannot be repeated: why not. */
  readonly skip?: (exchange: Exchange) => string | undefined
  /** Answers whose body cannot be compared, only its status: why not. */
  readonly statusOnly?: (exchange: Exchange) => string | undefined
  /** Where reads are no GET requests. */
  readonly isRead?: (exchange: Exchange) => boolean
  /** The exchange as we have it: with credentials in the URL, in another encoding of the same API. */
  readonly adapt?: (exchange: Exchange) => Exchange
  /** The body of an answer where it is not JSON. */
  readonly decode?: (text: string) => unknown
}

const FOLDER = '../shared/recordings'
/** What stands for contact data. */
const MASK = '***'

/**
 * Sends the recorded requests to the fake, in their order, and compares status and form of the
 * answers: only a fake that answers as the service did may judge a provider. Recordings lie beside
 * the project and are not part of it.
 */
export function describeRecording(name: string, replay: Replay): void {
  const path = `${FOLDER}/${name}.json`
  describe(`the fake of ${name}, beside what the service answered`, () => {
    if (!existsSync(path)) {
      process.stderr.write(`MISSING ${path}: the fake of ${name} is not checked\n`)
      it.skip(`MISSING ${path}`, () => undefined)
      return
    }
    const { cases } = JSON.parse(readFileSync(path, 'utf8')) as Recording
    let compared = 0
    for (const [title, exchanges] of Object.entries(cases)) {
      const reason = replay.left?.(title)
      if (reason !== undefined) {
        it.skip(`${title} (${reason})`, () => undefined)
        continue
      }
      it(title, async () => {
        compared += 1
        const fake = await replay.open(replay.zone)
        try {
          const repeated = exchanges
            .filter((one) => replay.skip?.(one) === undefined)
            .map((one) => replay.adapt?.(one) ?? one)
          prepare(fake, repeated, replay)
          await replayCase(fake, repeated, replay)
        } finally {
          await fake.api.close()
        }
      })
    }
    it('is compared in most cases', () => {
      expect(compared).toBeGreaterThan(Object.keys(cases).length / 3)
    })
  })
}

/** What was listed before the first write that succeeded was there before. */
function prepare(
  fake: HostedFake,
  exchanges: readonly Exchange[],
  { isRead, decode = parseBody }: Replay,
): void {
  for (const exchange of exchanges) {
    if (exchange.status >= 300) continue
    if (!(isRead?.(exchange) ?? exchange.method === 'GET')) return
    fake.load(decode(exchange.response))
  }
}

async function replayCase(
  fake: HostedFake,
  exchanges: readonly Exchange[],
  { statusOnly, decode = parseBody }: Replay,
): Promise<void> {
  /** Ids of the recording, and what the fake calls the same things. */
  const ids = new Map<string, string>()
  const translated = (text: string) => {
    let result = text
    for (const [recorded, own] of ids) result = result.replaceAll(recorded, own)
    return result
  }
  for (const exchange of exchanges) {
    const { method, url, body, status, response } = exchange
    const given = method === 'GET' ? '' : translated(body ?? '')
    const place = translated(url)
    const request = fake.authorise({ method, url: place, body: given })
    const answer = await fake.api.fetch(place, request)
    const text = await answer.text()
    const said = `${method} ${url} ${given}`
    expect(answer.status, `${said}: the fake says ${text}`).toBe(status)
    const [recorded, own] = [decode(response), decode(text)]
    if (statusOnly?.(exchange) === undefined) {
      const difference = differenceOf(recorded, own, '')
      expect(difference, `${said}: ${difference}`).toBeUndefined()
    }
    learnIds(recorded, own, ids)
  }
}

function parseBody(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text)
}

/** Where two bodies differ in their form; null stands for any value. */
function differenceOf(recorded: unknown, own: unknown, path: string): string | undefined {
  if (recorded === null || own === null || recorded === MASK) return undefined
  if (Array.isArray(recorded) && Array.isArray(own)) {
    if (recorded.length === 0 || own.length === 0) {
      return recorded.length === own.length
        ? undefined
        : `${path}: ${own.length} items instead of ${recorded.length}`
    }
    for (const item of own) {
      const differences = recorded.map((other) => differenceOf(other, item, `${path}[]`))
      if (differences.every((one) => one !== undefined)) return differences[0]
    }
    return undefined
  }
  if (isObject(recorded) && isObject(own)) {
    const keys = new Set([...Object.keys(recorded), ...Object.keys(own)])
    for (const key of keys) {
      if (!(key in own)) return `${path}.${key}: is missing`
      if (!(key in recorded)) return `${path}.${key}: the service has no such key`
      const difference = differenceOf(recorded[key], own[key], `${path}.${key}`)
      if (difference !== undefined) return difference
    }
    return undefined
  }
  return typeof recorded === typeof own
    ? undefined
    : `${path}: ${typeof own} instead of ${typeof recorded}`
}

/** Walks two bodies side by side; items of lists belong together when most of their values agree. */
function learnIds(recorded: unknown, own: unknown, ids: Map<string, string>): void {
  if (Array.isArray(recorded) && Array.isArray(own)) {
    for (const item of recorded) {
      const likeness = own.map((other) => agreement(item, other))
      learnIds(item, own[likeness.indexOf(Math.max(...likeness))], ids)
    }
  } else if (isObject(recorded) && isObject(own)) {
    for (const [key, value] of Object.entries(recorded)) {
      const other = own[key]
      if (key !== 'id') learnIds(value, other, ids)
      else if (String(value) !== String(other)) ids.set(String(value), String(other))
    }
  }
}

function agreement(a: unknown, b: unknown): number {
  if (!isObject(a) || !isObject(b)) return a === b ? 1 : 0
  return Object.entries(a).filter(([key, value]) => b[key] === value).length
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
