import * as v from 'valibot'
import { nonceSchema } from './jws.ts'
import { countSchema } from './schema.ts'

/** Facts of a problem that a program acts on; which code has which is in docs/spec/wire.md. */
export const problemFacts = {
  /** Sign again, with this in the header. */
  nonce: v.exactOptional(nonceSchema),
  /** The last sequence that the key has used. */
  seq: v.exactOptional(countSchema),
  /** The `denied` entry of the log. */
  index: v.exactOptional(countSchema),
  /** The same bytes are accepted after this long. */
  retryAfterSeconds: v.exactOptional(countSchema),
}

/**
 * A refusal (RFC 9457). `code` is stable, see `ErrorCode`. Members may be added, so unknown ones are let
 * through unread.
 */
export const problemSchema = v.looseObject({
  type: v.literal('about:blank'),
  title: v.string(),
  status: v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
  code: v.string(),
  detail: v.string(),
  ...problemFacts,
})

/** See `problemFacts`. */
export interface ProblemFacts {
  readonly nonce?: string
  readonly seq?: number
  readonly index?: number
  readonly retryAfterSeconds?: number
}
