import { describe } from 'vitest'
import { DYNOXIDE_PACKAGE, hasDynoxide } from './dynoxide.ts'

/** A group of tests on the emulator; skipped loudly where it is not installed. */
export function describeDynamo(title: string, tests: () => void): void {
  if (hasDynoxide()) {
    describe(title, tests)
    return
  }
  process.stderr.write(`\nSKIPPED: ${title}: the npm package ${DYNOXIDE_PACKAGE} is missing\n`)
  describe.skip(`${title} (skipped: install ${DYNOXIDE_PACKAGE})`, tests)
}
