// The fixed numbers of a node's WebSocket. Apart from the messages (stream.ts), because the agent needs only these at run
// time: the library that the messages are declared with would be a quarter of its memory.

/** The path of the socket, and the protocol version both sides must share. */
export const nodeSocketPath = '/node/v1/socket'
export const nodeProtocol = 1
/** Bytes of stream data that may be under way before the receiver has to acknowledge. */
export const streamWindowBytes = 256 * 1024
/** No message may be larger; a desired state of 2,000 workloads stays below. */
export const maxMessageBytes = 16 * 1024 * 1024
/** The same for what is typed into a command: bytes under way until the node has handed them on. */
export const inputWindowBytes = 64 * 1024
/** An incident capsule is not larger, neither as its file nor under way, and goes in parts of this size, one at a time. */
export const maxIncidentBytes = 256 * 1024
export const incidentPartBytes = 16 * 1024
