import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { isReprefixError, messageOf } from '../../shared/errors.ts'
import type { Decoder } from './decoder.ts'
import { type Edit, mutate } from './mutate.ts'

/** What the cases of one decoder gave. */
export interface FuzzResult {
  readonly cases: number
  /** How many of them were decoded: with none the mutations would be too coarse. */
  readonly accepted: number
  readonly slowestMs: number
  /** The first case that does not hold, made as small as could be. */
  readonly failure?: string
}

/** A case that takes longer, three times in a row, takes too long. */
export const LIMIT_MS = 1000

const anyEdit: fc.Arbitrary<Edit> = fc.record({
  view: fc.nat(7),
  operation: fc.nat(15),
  at: fc.nat(65_535),
  length: fc.nat(40),
  pick: fc.nat(1023),
})

/**
 * Decodes `cases` inputs, most of them valid ones with a few changes. A seed gives the same again. To make
 * a failure small can take minutes.
 */
export async function fuzz(
  decoder: Decoder,
  cases: number,
  seed: number,
  isShrinking = true,
): Promise<FuzzResult> {
  let accepted = 0
  let slowestMs = 0
  const check = async (input: string): Promise<void> => {
    const { isAccepted, ms } = await judge(decoder, input)
    if (isAccepted) accepted += 1
    slowestMs = Math.max(slowestMs, ms)
  }
  const property = fc.asyncProperty(anyInput(decoder), check)
  const details = await fc.check(property, { numRuns: cases, seed, endOnFailure: !isShrinking })
  // Making a failure smaller takes more cases than are counted.
  const result = {
    cases: details.numRuns,
    accepted: Math.min(accepted, details.numRuns),
    slowestMs,
  }
  if (!details.failed) return result
  const input = details.counterexample?.[0] ?? ''
  const shown = JSON.stringify(input.length > 1500 ? `${input.slice(0, 1500)}…` : input)
  return { ...result, failure: `${messageOf(details.errorInstance)}\n  input: ${shown}` }
}

function anyInput(decoder: Decoder): fc.Arbitrary<string> {
  const mutated = fc
    .tuple(fc.nat(decoder.samples.length - 1), fc.array(anyEdit, { maxLength: 4 }))
    .map(([index, edits]) => mutate(decoder, decoder.samples[index] ?? '', edits))
  return fc.oneof({ weight: 9, arbitrary: mutated }, { weight: 1, arbitrary: noise(decoder) })
}

function noise({ kind }: Decoder): fc.Arbitrary<string> {
  if (kind === 'json') return fc.json({ maxDepth: 3 })
  const bytes = fc.uint8Array({ maxLength: 200 })
  const latin = bytes.map((list) => Buffer.from(list).toString('latin1'))
  return kind === 'bytes' ? latin : fc.oneof(latin, fc.string({ unit: 'binary', maxLength: 100 }))
}

/** One case. @throws Error where the decoder does not do what it is held to */
async function judge(decoder: Decoder, input: string) {
  const startedAt = cpuMs()
  const outcome = await run(decoder, input)
  let ms = cpuMs() - startedAt
  // Collecting garbage is slow once; a decoder is slow each time.
  for (let again = 0; ms > LIMIT_MS && again < 2; again++) {
    const restartedAt = cpuMs()
    await run(decoder, input)
    ms = Math.min(ms, cpuMs() - restartedAt)
  }
  if (ms > LIMIT_MS) throw new Error(`${decoder.name} took ${Math.round(ms)} ms`)
  if ('fault' in outcome) return { isAccepted: false, ms }
  await checkRoundTrip(decoder, input, outcome.value)
  return { isAccepted: true, ms }
}

/** Time of the processor, which other programs do not take. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function run(
  decoder: Decoder,
  input: string,
): Promise<{ readonly value: unknown } | { readonly fault: unknown }> {
  try {
    return { value: await decoder.decode(input) }
  } catch (fault) {
    if (isReprefixError(fault) && decoder.codes.includes(fault.code)) return { fault }
    const what = fault instanceof Error ? `${fault.name}: ${fault.message}` : String(fault)
    const code = isReprefixError(fault) ? ` (${fault.code})` : ''
    throw new Error(`${decoder.name} threw ${what.slice(0, 300)}${code}`, { cause: fault })
  }
}

/** Deep equality, also of what is nested deeper than the comparison can follow. */
export function isSame(one: unknown, other: unknown): boolean {
  try {
    return isDeepStrictEqual(one, other)
  } catch {
    return JSON.stringify(one) === JSON.stringify(other)
  }
}

async function checkRoundTrip(decoder: Decoder, input: string, value: unknown): Promise<void> {
  if (decoder.render === undefined) return
  const rendered = decoder.render(value as never)
  if (decoder.isCanonical && rendered !== input) {
    throw new Error(`${decoder.name} takes more than one spelling: ${rendered.slice(0, 300)}`)
  }
  const again = await run(decoder, rendered)
  if (!('value' in again) || !isSame(again.value, value)) {
    throw new Error(`${decoder.name} reads another value from ${rendered.slice(0, 300)}`)
  }
}
