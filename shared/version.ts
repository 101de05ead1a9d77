declare const REPREFIX_VERSION: string | undefined

/** The version of this build, set by the bundler; `0.0.0-dev` where the sources run unbundled. */
export const VERSION = typeof REPREFIX_VERSION === 'string' ? REPREFIX_VERSION : '0.0.0-dev'
