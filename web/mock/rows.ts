//! Shapes of the made-up rows.

export interface Row {
  id: string;
  version: number;
  [field: string]: unknown;
}
export interface MockTicket extends Row {
  number: number;
  status: string;
  queueId: string;
  assigneeId: string | null;
  contactId: string;
  conversationId: string;
  tags: string[];
  messageHead: number;
  readPosition: number;
  unread: number;
  lastMessageAt: string;
  createdAt: string;
  priority: string;
  subject: string;
  channel: string;
}
export interface MockMessage extends Row {
  ticketId: string;
  position: number;
  state: string;
  text: string;
  direction: string;
}
