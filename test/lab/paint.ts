import { styleText } from 'node:util'

/** A colour or style of Node's `styleText`. */
export type Format = Parameters<typeof styleText>[0]

/** Colours a text, or leaves it as it is. */
export type Paint = (format: Format, text: string) => string

/** Paints for a terminal. */
export const coloured: Paint = (format, text) => styleText(format, text, { validateStream: false })

/** Leaves text as it is, for files and pipes. */
export const plain: Paint = (_format, text) => text

/** A duration in seconds, as shown. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

/** A duration in milliseconds, as shown. */
export function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`
}
