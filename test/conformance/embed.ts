import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleWorker } from '../../infra/bundle-worker.mjs'
import { nodeProgram } from '../lab/programs.ts'

/** A program with its settings embedded, as it is deployed. */
export interface Deployment {
  readonly directory: string
  remove(): Promise<void>
}

const FILES = { lambda: ['lambda', 'settings.mjs'], workers: ['worker', 'settings.js'] } as const

/**
 * Embeds these settings by `reprefix config embed` in a copy of `dist/lambda`, or in a Worker that is bundled
 * for them.
 */
export async function deploy(runtime: keyof typeof FILES, settings: string): Promise<Deployment> {
  const [built, file] = FILES[runtime]
  const directory = await mkdtemp(join(tmpdir(), `reprefix-${built}-`))
  const remove = () => rm(directory, { recursive: true, force: true })
  const config = join(directory, 'cloud.yaml')
  const program = join(directory, built)
  const where = ['--config', config, '--runtime', runtime, '--out', join(program, file)]
  try {
    if (runtime === 'lambda') await cp(join('dist', built), program, { recursive: true })
    else await mkdir(program)
    await writeFile(config, settings)
    await runProgram(nodeProgram('reprefix.js', ['config', 'embed', ...where]))
    if (runtime === 'workers') await bundleWorker(program)
    return { directory: program, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

function runProgram([program = '', ...args]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${args.join(' ')}: ${stderr || error.message}`))
    })
  })
}
