//! Taking in whole documents that came from elsewhere.

use super::error::{Result, StoreError};
use super::{Store, chats};
use glassworks_protocol::chat::{ChatDocument, ChatRecord, MessageRecord};
use glassworks_protocol::ids::{ChatId, MessageId};
use glassworks_protocol::{Failure, Stored};
use sqlx::{Connection, SqliteConnection};
use std::collections::HashMap;
use std::sync::Arc;

impl Store {
    /// The documents of `ids`, in that order.
    ///
    /// # Errors
    /// When one isn't there, or the disk says no.
    pub async fn documents(&self, ids: &[ChatId]) -> std::result::Result<Vec<ChatDocument>, Failure> {
        let mut reader = self.inner.readers.acquire().await.map_err(StoreError::from)?;
        // One transaction, so that a tree and its tokens are of the same moment.
        let mut moment = reader.begin().await.map_err(StoreError::from)?;
        let mut documents = Vec::with_capacity(ids.len());
        for id in ids {
            documents.push(chats::document(&mut moment, *id).await?);
        }
        Ok(documents)
    }

    /// Stores documents as [`super::transfer::read`] made them, all or none; one whose ids are taken gets new
    /// ones. Returns a [`Stored::Chat`] each, in order.
    ///
    /// # Errors
    /// When the disk says no.
    pub async fn add_documents(
        &self,
        documents: Vec<ChatDocument>,
    ) -> std::result::Result<Vec<Stored>, Failure> {
        Ok(self.adopt(documents).await?)
    }

    async fn adopt(&self, documents: Vec<ChatDocument>) -> Result<Vec<Stored>> {
        let mut writing = self.write().await?;
        let mut tx = writing.begin().await?;
        let mut stored = Vec::with_capacity(documents.len());
        for document in documents {
            let document = if is_taken(&mut tx, &document).await? { renamed(document) } else { document };
            chats::insert(&mut tx, &document.chat).await?;
            for message in &document.messages {
                chats::insert_message(&mut tx, message).await?;
            }
            stored.push(chats::stored(&mut tx, document.chat.id).await?);
        }
        tx.commit().await?;
        Ok(stored)
    }
}

async fn is_taken(tx: &mut SqliteConnection, document: &ChatDocument) -> Result<bool> {
    if chats::find(tx, document.chat.id).await?.is_some() {
        return Ok(true);
    }
    for message in &document.messages {
        if chats::place_of(tx, message.id).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn renamed(document: ChatDocument) -> ChatDocument {
    let chat = ChatId::mint();
    let new: HashMap<MessageId, MessageId> =
        document.messages.iter().map(|m| (m.id, MessageId::mint())).collect();
    let messages = document.messages.iter().map(|message| {
        Arc::new(MessageRecord {
            id: new[&message.id],
            chat,
            parent: message.parent.and_then(|parent| new.get(&parent).copied()),
            ..MessageRecord::clone(message)
        })
    });
    let messages = messages.collect();
    let leaf = document.chat.leaf.and_then(|leaf| new.get(&leaf).copied());
    ChatDocument { chat: ChatRecord { id: chat, leaf, ..document.chat }, messages }
}
