//! (matmul)
