import { spawnSync } from 'node:child_process'

/** Runs a command in a network namespace of its own, where there is no way out. */
export const NO_NETWORK = ['unshare', '--map-root-user', '--net'] as const
/** Finds faults in templates. W3005: dependencies that the CDK itself writes twice. */
export const LINT = ['cfn-lint', '--ignore-checks', 'W3005', '--'] as const

/** Why nothing can be run without network here; undefined when it can. */
export const networkObstacle = works([...NO_NETWORK, 'true'])
  ? undefined
  : ' (skipped: unshare may not make a network namespace here, so they were not written without one)'

/** Why templates cannot be linted here; undefined when they can. */
export const lintObstacle = works(['cfn-lint', '--version'])
  ? undefined
  : ' (skipped: cfn-lint, a Python package, is not installed)'

function works([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0
}
