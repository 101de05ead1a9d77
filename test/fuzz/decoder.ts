import type { ErrorCode } from '../../shared/errors.ts'
import type { View } from './views.ts'

/** One decoder of untrusted input, with what it is held to. Input is text; bytes are one letter each. */
export interface Decoder {
  readonly name: string
  /** `json`: the decoder gets the decoded value, so only the structure is mutated. */
  readonly kind: 'text' | 'json' | 'bytes'
  /** Valid inputs, from which the others are made. */
  readonly samples: readonly string[]
  readonly decode: (input: string) => unknown
  /** The only faults it may have. */
  readonly codes: readonly ErrorCode[]
  /** The input again: what it gives must decode to the same value. */
  readonly render?: (value: never) => string
  /** Whether one value has one spelling: rendering gives the very input. */
  readonly isCanonical?: true
  /** Parts inside the input that are changed by themselves, so that what is around them still fits. */
  readonly views?: readonly View[]
  /** Cases for each one of the others; less for what takes long. */
  readonly weight?: number
}

/** A decoder of text with a renderer: only that the types agree. */
export function textDecoder<T>(
  decoder: Omit<Decoder, 'decode' | 'render' | 'kind'> & {
    readonly decode: (input: string) => T | Promise<T>
    readonly render?: (value: T) => string
  },
): Decoder {
  return { ...decoder, kind: 'text' } as Decoder
}

/** A decoder of a value that comes as JSON. */
export function jsonDecoder<T>(
  decoder: Omit<Decoder, 'decode' | 'render' | 'kind' | 'samples'> & {
    readonly samples: readonly unknown[]
    readonly decode: (value: unknown) => T | Promise<T>
    readonly render?: (value: T) => unknown
  },
): Decoder {
  const { samples, decode, render, ...rest } = decoder
  return {
    ...rest,
    kind: 'json',
    samples: samples.map((sample) => JSON.stringify(sample)),
    decode: (input) => decode(JSON.parse(input)),
    ...(render === undefined ? {} : { render: (value: never) => JSON.stringify(render(value)) }),
  }
}

/** A decoder of bytes. */
export function bytesDecoder(
  decoder: Omit<Decoder, 'decode' | 'render' | 'kind' | 'samples'> & {
    readonly samples: readonly Uint8Array[]
    readonly decode: (bytes: Buffer) => unknown
  },
): Decoder {
  return {
    ...decoder,
    kind: 'bytes',
    samples: decoder.samples.map((sample) => Buffer.from(sample).toString('latin1')),
    decode: (input) => decoder.decode(Buffer.from(input, 'latin1')),
  }
}
