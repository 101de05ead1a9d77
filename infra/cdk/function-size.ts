/** Of the function. A third of a processor: an instance loads the SDKs within a second. */
export const MEMORY_MB = 512
