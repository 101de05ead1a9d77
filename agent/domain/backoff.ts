const FIRST_MS = 500
const LONGEST_MS = 300_000

/** How long the cloud is left alone after so many failures in a row, without jitter. */
export function backoffMs(failures: number): number {
  return Math.min(FIRST_MS * 2 ** failures, LONGEST_MS)
}
