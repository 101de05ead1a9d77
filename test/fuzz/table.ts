import type { Decoder } from './decoder.ts'
import { dnsDecoders } from './dns-decoders.ts'
import { hostDecoders } from './host-decoders.ts'
import { platformDecoders } from './platform-decoders.ts'
import { makeSamples } from './samples.ts'
import { valueDecoders } from './value-decoders.ts'
import { wireDecoders } from './wire-decoders.ts'

/** Every decoder of untrusted input; the same ones and the same samples each time. */
export async function allDecoders(): Promise<readonly Decoder[]> {
  return [
    ...valueDecoders(),
    ...wireDecoders(await makeSamples()),
    ...hostDecoders(),
    ...dnsDecoders(),
    ...(await platformDecoders()),
  ]
}

/** How many of `total` cases each decoder gets, by its weight. */
export function shareOf(decoders: readonly Decoder[], total: number) {
  const sum = decoders.reduce((weights, { weight = 1 }) => weights + weight, 0)
  return (decoder: Decoder): number => Math.ceil((total * (decoder.weight ?? 1)) / sum)
}

/** The seed of one decoder: that of the run with the name mixed in, so that one can run by itself. */
export function seedOf(seed: number, { name }: Decoder): number {
  return [...name].reduce((mixed, letter) => (mixed * 31 + letter.charCodeAt(0)) | 0, seed | 0)
}
