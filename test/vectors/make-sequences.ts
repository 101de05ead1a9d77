import { createAuthor, describeCloud } from './play.ts'
import { CLOUD_SEQUENCES } from './sequences-of-clouds.ts'
import { REPORT_SEQUENCES } from './sequences-of-reports.ts'
import type { SequenceVectors } from './shapes.ts'

/** sequences.json */
export async function makeSequences(): Promise<SequenceVectors> {
  const sequences = []
  for (const [name, write] of Object.entries({ ...REPORT_SEQUENCES, ...CLOUD_SEQUENCES })) {
    const author = await createAuthor(name)
    await write(author)
    sequences.push({ name, steps: author.steps })
  }
  return { cloud: await describeCloud(), sequences }
}
