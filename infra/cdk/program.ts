import { cp, mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EmbeddedConfig } from '../../cloud/embedded-config.ts'
import { ReprefixError } from '../../shared/errors.ts'

/**
 * Puts the built program and its settings into a new directory, as they are deployed: without source
 * maps, which the function would not load. References in the settings stay references.
 * @throws ReprefixError FILE_READ_FAILED where nothing is built
 */
export async function stageProgram(built: string, embedded: EmbeddedConfig): Promise<string> {
  const names = await readdir(built).catch((cause: unknown) => {
    throw new ReprefixError(
      'FILE_READ_FAILED',
      `failed to read ${built}: build the program first, with "npm run build"`,
      { cause },
    )
  })
  const directory = join(await mkdtemp(join(tmpdir(), 'reprefix-function-')), 'program')
  // Readable to the user that AWS runs it as.
  await mkdir(directory, { mode: 0o755 })
  const filter = (path: string) => !path.endsWith('.map')
  for (const name of names.filter((one) => filter(one))) {
    await cp(join(built, name), join(directory, name), { recursive: true, filter })
  }
  const settings = `export default ${JSON.stringify(embedded, null, 2)}\n`
  await writeFile(join(directory, 'settings.mjs'), settings, { mode: 0o644 })
  return directory
}
