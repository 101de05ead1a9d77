import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { App } from 'aws-cdk-lib'
import { messageOf } from '../../shared/errors.ts'
import { synthesise } from './synthesise.ts'

// The app of the AWS CDK, as `dist/cdk.js`; infra/cdk/cdk.json names it. By itself it writes cdk.out.

const EXIT_USAGE = 2

const app = new App({ outdir: process.env.CDK_OUTDIR ?? 'cdk.out', analyticsReporting: false })
const built = join(fileURLToPath(import.meta.url), '..', 'lambda')

try {
  await synthesise(app, built, process.env)
} catch (error) {
  console.error(process.env.REPREFIX_DEBUG === '1' ? error : messageOf(error))
  process.exitCode = EXIT_USAGE
}
