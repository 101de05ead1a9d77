import { readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { App } from 'aws-cdk-lib'
import { readFault } from '../../shared/files.ts'
import { CloudStack } from './cloud-stack.ts'
import { planDeployment } from './deployment.ts'
import { parseOptions } from './options.ts'
import { stageProgram } from './program.ts'
import { StoreStack } from './store-stack.ts'

/** What the names of the stacks begin with. */
export const STACK_NAME = 'reprefix'

/**
 * Adds the stacks to an app and writes its cloud assembly. Needs no network and no account.
 * @param built where `dist/lambda` is
 * @throws ReprefixError CONFIG_INVALID, FILE_READ_FAILED
 */
export async function synthesise(
  app: App,
  built: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const options = parseOptions(app.node.getAllContext())
  const text = await readFile(options.config, 'utf8').catch((cause: unknown) => {
    throw readFault(options.config, cause)
  })
  const deployment = planDeployment(text, options, environment)
  const program = await stageProgram(built, deployment.embedded)
  try {
    const cloud = new CloudStack(app, STACK_NAME, deployment, program)
    if (options.table === 'new') {
      cloud.addStackDependency(new StoreStack(app, `${STACK_NAME}-store`, deployment.table))
    }
    return app.synth().directory
  } finally {
    await rm(dirname(program), { recursive: true })
  }
}
